"""`python -m howdah` is the command `howdah`."""

from howdah.cli.main import main

if __name__ == "__main__":
    main()
