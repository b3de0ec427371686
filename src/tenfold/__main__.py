"""``python -m tenfold``: the command line."""

from tenfold.cli import main

if __name__ == "__main__":
    main()
