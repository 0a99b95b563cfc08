"""The exhibit: ``streamlit run streamlit_app.py``. Pages are in ``pages/``, what they share in ``frame/``."""

from albumjudge.ui import shell as room
from albumjudge.ui import visitor

room.enter()
room.leave()
visitor.settle()
