"""Speed and memory, measured on the machine at hand as ratios to floors of the same run."""
