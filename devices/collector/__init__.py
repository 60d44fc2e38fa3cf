"""The collector: who reads machines, how it is paced, and how readings become facts. Started by the collect worker."""
