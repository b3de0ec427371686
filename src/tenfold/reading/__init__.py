"""Find and read digits in real pictures: scans, photos, PDF pages and drawings."""
