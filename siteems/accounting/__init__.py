"""What is owed and what is saved: bills, demand charges, wear, carbon."""
