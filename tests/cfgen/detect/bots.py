"""Small bots with the habits of their kind, as files by their paths."""

DAILY = {
    "apps/daily_breakout_app.py": """
import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOGS = ROOT.parent / "data" / "logs"
LOGS.mkdir(parents=True, exist_ok=True)
sys.path.insert(0, str(ROOT / "lib"))
from kis import kis_auth

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", choices=["demo", "real"], default="demo")
    parser.add_argument("--symbol", required=True)
    parser.parse_args()

if __name__ == "__main__":
    main()
""",
    "apps/flask_app.py": """
import os
from flask import Flask

app = Flask(__name__)

if __name__ == "__main__":
    app.run(port=int(os.getenv("FLASK_PORT", "5002")))
""",
    "lib/kis/__init__.py": "",
    "lib/kis/kis_auth.py": """
import os
import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIG = os.path.join(HERE, "..", "..", "config")
with open(os.path.join(CONFIG, "kis_devlp.yaml"), encoding="UTF-8") as file:
    settings = yaml.safe_load(file)
""",
    # A BOM, DOS line ends, Korean text, and 15:20 without quotes, which YAML 1.1 reads as 920.
    "config/strategy.yaml": "\ufeff# 전략\r\n진입:\r\n  entry_start: 09:05\r\n"
    "  entry_end: 15:00\r\n  exit_time: 15:20\r\nmarket_open: 09:00\r\n",
    "requirements.txt": "pandas>=2\nPyYAML>=6\n",
    ".gitignore": "lib/\n.env\nconfig/kis_devlp.yaml\n",
    "tests/test_bot.py": "if __name__ == '__main__': pass\n",
    "setup.py": "if __name__ == '__main__': pass\n",
}

HOME_KEYS = {
    "trade.py": """
import os
from datetime import datetime
import yaml

config_root = os.path.join(os.path.expanduser("~"), "KIS", "config")
token = os.path.join(config_root, f"KIS{datetime.today().strftime('%Y%m%d')}")
with open(os.path.join(config_root, "kis_devlp.yaml"), encoding="UTF-8") as file:
    settings = yaml.safe_load(file)
with open(token, "w") as file:
    file.write("")
print(os.environ["ENV_MODE"])

if __name__ == "__main__":
    print(settings)
""",
    "requirements.txt": "PyYAML\n",
    ".python-version": "3.13.1\n",
}

AMERICAN = {
    "us_bot.py": """
import os
import time

EXCHANGE = "NASD"
MODE = os.environ["ENV_MODE"]

while True:
    print(EXCHANGE, MODE)
    time.sleep(10)
""",
    "requirements.txt": "requests\n",
}

PROGRAM = """
import os
from broker import order

if __name__ == "__main__":
    order(os.environ["ENV_MODE"])
"""

TWO = {
    "strategies/breakout.py": PROGRAM,
    "strategies/mean_reversion.py": PROGRAM,
    "broker.py": "def order(mode): print(mode)\n",
    "config/breakout.yaml": "run_at: '09:10'\n",
    "config/mean_reversion.yaml": "schedule: ['10:00', '14:30']\n",
    "requirements.txt": "requests\n",
}

BOTS = {"daily": DAILY, "home-keys": HOME_KEYS, "american": AMERICAN, "two": TWO}
