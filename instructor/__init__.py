"""What students must not get: source notebooks with solutions and rubrics, and the commands around them."""
