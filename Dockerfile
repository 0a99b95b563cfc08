# The exhibit in a container: docker build -t albumjudge . && docker run -p 7860:7860 -v albumjudge:/data albumjudge
# Port 7860 is what Hugging Face Spaces expect; PORT names another. --build-arg TORCH=cuda takes PyTorch's usual build.
FROM python:3.12-slim

ARG TORCH=cpu
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PORT=7860 \
    ALBUMJUDGE_DATA_DIR=/data

# 1000 is the user that Spaces run containers as. /data is where votes live: mount something there.
RUN useradd --create-home --uid 1000 visitor \
    && mkdir /data \
    && chown visitor:visitor /data

WORKDIR /app
COPY requirements.txt .ci/torch-cpu.sh /tmp/
RUN if [ "$TORCH" = cpu ]; then sh /tmp/torch-cpu.sh python /tmp/requirements.txt; fi \
    && pip install -r /tmp/requirements.txt
COPY . .
# Nobody may write here later, so each start would compile it again.
RUN python -m compileall -q albumjudge

USER visitor
EXPOSE 7860

HEALTHCHECK --interval=30s --timeout=10s --start-period=120s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/healthz', timeout=8)"]

# Where the disk does not last, what was pushed to the Hub comes back first.
CMD ["sh", "-c", "python -m albumjudge.export.hub_copy restore --if-empty; exec python -m streamlit run streamlit_app.py --server.address 0.0.0.0 --server.port \"$PORT\""]
