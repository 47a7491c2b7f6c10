"""`python -m fluffy_sql` is the command line."""

from fluffy_sql.cli.main import main

if __name__ == "__main__":
    main()
