"""The recipe of the string recognizer that ships: made strips, network, training, weights file."""
