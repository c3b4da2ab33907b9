"""The dashboard: what the bot wrote. http.server stands for Flask, which is no part of Python."""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "data"
sys.path.insert(0, str(ROOT))


class Page(BaseHTTPRequestHandler):
    """Files under the data folder, with their text, as JSON."""

    def do_GET(self):
        found = {
            str(path.relative_to(DATA)): path.read_text(encoding="utf-8")
            for path in sorted(DATA.rglob("*"))
            if path.is_file()
        }
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())


if __name__ == "__main__":
    address = os.environ.get("FLASK_HOST", "0.0.0.0"), int(os.environ.get("FLASK_PORT", "5001"))
    debugger = os.environ.get("FLASK_DEBUG", "true")
    print(f"listening on {address[0]}:{address[1]}, debugger: {debugger}")
    HTTPServer(address, Page).serve_forever()
