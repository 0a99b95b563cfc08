"""The exhibit: ``streamlit run streamlit_app.py``. Pages are in ``pages/``, what they share in ``frame/``."""

from frame import room, visitor

room.enter()
room.leave()
visitor.settle()
