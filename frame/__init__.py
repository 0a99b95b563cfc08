"""What every page of the exhibit shares: the room, the visitor, prints with their labels. All of it is Streamlit."""
