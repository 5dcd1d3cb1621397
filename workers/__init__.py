"""How one trial is run: data, models, the trial runner and the executors."""
