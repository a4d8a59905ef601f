"""What is run and asked of a class (grade), of a notebook (notebook), of a cell (plan)."""
