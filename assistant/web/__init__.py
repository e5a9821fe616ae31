"""Web: the FastAPI shell, the Gradio pages and the OpenAI-compatible API."""
