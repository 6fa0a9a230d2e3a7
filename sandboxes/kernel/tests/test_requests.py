import json
import unittest

from gantry_kernel.requests import (
    BadRequest,
    FileRequest,
    InterruptRequest,
    PingRequest,
    PythonRequest,
    ShellRequest,
    parse_request,
)

LIMITS = {"timeoutMs": 1000, "maxOutputBytes": 10}


def parse(**fields: object) -> object:
    return parse_request(json.dumps({"id": 7, **fields}).encode())


class RequestTest(unittest.TestCase):
    def test_every_operation_is_read(self) -> None:
        self.assertEqual(parse(op="exec", code="1", **LIMITS), PythonRequest(7, "1", 1000, 10))
        shell = {"op": "shell", "commands": ["ls"], **LIMITS}
        self.assertEqual(parse(**shell), ShellRequest(7, ["ls"], 1000, 10, "end"))
        self.assertEqual(parse(**shell, background="keep"), ShellRequest(7, ["ls"], 1000, 10, "keep"))
        self.assertEqual(parse(op="interrupt"), InterruptRequest(7))
        self.assertEqual(parse(op="ping"), PingRequest(7))
        self.assertEqual(parse(op="read", path="a", maxBytes=5), FileRequest(7, "read", "a", 5))
        self.assertEqual(parse(op="remove", path="a"), FileRequest(7, "remove", "a", 0))
        self.assertEqual(parse(op="list"), FileRequest(7, "list", "", 0))
        self.assertEqual(parse(op="pending"), FileRequest(7, "pending", "", 0))
        self.assertEqual(parse(op="write", path="a"), FileRequest(7, "write", "a"))
        self.assertEqual(parse(op="write", path="a", executable=True), FileRequest(7, "write", "a", executable=True))

    def test_what_is_no_request_is_refused_by_its_id(self) -> None:
        call = {"op": "exec", "code": "1", **LIMITS}
        shell = {"op": "shell", "commands": ["ls"], **LIMITS}
        bad: list[dict[str, object]] = [
            {},
            {"op": 3},
            {"op": "fly"},
            {**call, "code": 3},
            {**call, "timeoutMs": 0},
            {**call, "timeoutMs": None},
            {**call, "timeoutMs": True},
            {**call, "maxOutputBytes": -1},
            {**call, "maxOutputBytes": 1.5},
            {**shell, "commands": "ls"},
            {**shell, "commands": []},
            {**shell, "commands": ["a\0b"]},
            {**shell, "background": True},
            {"op": "read", "path": "a"},
            {"op": "write", "path": ["a"]},
            {"op": "write", "path": "a", "executable": 1},
        ]
        for fields in bad:
            with self.assertRaises(BadRequest, msg=str(fields)) as caught:
                parse(**fields)
            self.assertEqual(caught.exception.call_id, 7, fields)

    def test_what_has_no_id_is_refused_without_one(self) -> None:
        for payload in (
            b"",
            b"{",
            b"[]",
            b"null",
            b"\xff",
            b'{"op":"list"}',
            b'{"id":"7"}',
            b'{"id":0}',
            b"[" * 99_999,
        ):
            with self.assertRaises(BadRequest, msg=str(payload[:20])) as caught:
                parse_request(payload)
            self.assertEqual(caught.exception.call_id, 0)


if __name__ == "__main__":
    unittest.main()
