"""What is handed out: student edition, leak check, zip and correction."""
