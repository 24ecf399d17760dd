"""What runs inside Prefect's own environment: these files import Prefect, and nothing of leasesim."""
