"""The floor of the web rows: a bare FastAPI page of a given size, nothing looked up."""

import argparse

import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

app = FastAPI()


@app.get("/health")
def health() -> str:
    """Say that it serves."""
    return "ok"


@app.get("/page/{size}")
def page(size: int) -> HTMLResponse:
    """Return a page of so many bytes."""
    return HTMLResponse("x" * size)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    uvicorn.run(app, port=parser.parse_args().port, access_log=False, log_level="warning")
