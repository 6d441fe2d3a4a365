"""The HTTP of it: Kite Connect's and SmartAPI's profile."""

import json

from fakes import serving

ANGELONE = "/angelone/rest/secure/angelbroking/user/v1/getProfile"
ZERODHA = "/zerodha/user/profile"


class FakeBrokers(serving.Server):
    """`asked` are the paths of the questions so far, never their keys."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port, Handler)
        self.down = False
        self.asked: list[str] = []


class Handler(serving.Handler):
    server: FakeBrokers

    def do_GET(self) -> None:
        if self.path.startswith("/_fake/"):
            return self.send_json(200, {"down": self.server.down, "asked": self.server.asked[-1000:]})
        self.server.asked.append(self.path)
        if self.server.down or "@" not in self.headers.get("Authorization", ""):
            return self.send_json(503, {"message": "Service unavailable"})
        if self.path == ZERODHA:
            return self._zerodha()
        if self.path == ANGELONE:
            return self._angelone()
        return self.send_json(404, {"message": "No such page"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or b"{}")
        if self.path == "/_fake/faults":
            self.server.down = bool(body.get("down", False))
        self.send_json(200, {"down": self.server.down})

    def _zerodha(self) -> None:
        scheme, _, pair = self.headers.get("Authorization", "").partition(" ")
        key, _, token = pair.partition(":")
        if scheme != "token" or not key or not token or key.startswith("refuse"):
            error = {
                "status": "error",
                "error_type": "TokenException",
                "message": "Incorrect `api_key` or `access_token`.",
            }
            return self.send_json(403, error)
        data = {"user_id": token.partition("@")[0], "broker": "ZERODHA", "exchanges": ["NSE", "BSE"]}
        return self.send_json(200, {"status": "success", "data": data})

    def _angelone(self) -> None:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        key = self.headers.get("X-PrivateKey", "")
        if scheme != "Bearer" or not key or not token or key.startswith("refuse"):
            error = {"status": False, "message": "Invalid Token", "errorcode": "AG8001", "data": ""}
            return self.send_json(200, error)  # SmartAPI says it so
        data = {"clientcode": token.partition("@")[0], "exchanges": ["NSE", "BSE"], "brokerid": "B2C"}
        return self.send_json(200, {"status": True, "message": "SUCCESS", "errorcode": "", "data": data})
