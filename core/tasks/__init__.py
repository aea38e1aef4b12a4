"""What a model can be taught to do, and the one definition of each that training and use share."""
