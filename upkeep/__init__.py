"""What keeps this repository itself in order: its lock files, its licences, its test runs. No part of the product."""
