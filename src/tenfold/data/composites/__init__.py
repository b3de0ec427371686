"""Pictures that Tenfold makes: strings of digits on made paper, digits drawn from strokes, non-digits."""
