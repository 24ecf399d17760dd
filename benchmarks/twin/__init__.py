"""The plain kernel in C: translated from the kernel's own functions, compiled by gcc, run on the same memory."""
