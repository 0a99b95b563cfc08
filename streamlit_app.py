"""The exhibit: ``streamlit run streamlit_app.py``, or ``uvicorn streamlit_app:app``.

Streamlit runs this file anew for every visitor's step, as ``__main__``. Imported, it is the web server.
"""

from streamlit.starlette import App

from albumjudge.server import telemetry

if __name__ == "__main__":
    from albumjudge.ui import shell, visitor

    with telemetry.measured_run() as run:
        run.page = shell.enter()
        shell.leave()
        visitor.settle()
else:
    from albumjudge.server import app as server

    app = App(__file__, lifespan=server.lifespan, routes=server.ROUTES, middleware=server.MIDDLEWARE)
