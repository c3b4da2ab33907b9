"""What a bot's folder says of the bot: the proposals of ``cfgen init``.

::

    folder -> Folder (names and contents, read at the edge) -> Survey (what each file does)
           -> proposals for cfgen.toml, each with where it comes from

Programs are read by ``ast`` and never imported; nothing is looked up on a network.

    folder.py    reads the folder and asks git
    paths.py     which file or folder an expression names
    program.py   what one Python file does      survey.py   all of them, and who imports whom
    options.py   its command line               programs.py which of them is the bot
    times.py     times of the day               packages.py requirements and Python's version
    market.py    the exchange                   propose.py  the keys of cfgen.toml
"""
