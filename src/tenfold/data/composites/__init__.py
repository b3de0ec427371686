"""Pictures that Tenfold makes from MNIST: strings of digits on made paper, digits from strokes, non-digits."""
