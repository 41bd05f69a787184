# One image for a class: `docker build -t lenetlab .`, then in a folder of submissions
# `docker run --rm -v "$PWD:/work" lenetlab judge submission.pt`. CPU alone, 2.3 GB.
FROM debian:bookworm-slim

# g++ builds the engine for whichever processor the image runs on.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        ca-certificates dataset-fashion-mnist g++ python3-venv \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/lenetlab
RUN python3 -m venv .venv \
    && .venv/bin/pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu torch==2.13.0
COPY . .
RUN .venv/bin/pip install --no-cache-dir --constraint constraints.txt '.[all]'
ENV PATH=/opt/lenetlab/.venv/bin:$PATH
RUN lenetlab data && lenetlab run sgd --epochs 0.01 --out /tmp/runs && rm -r /tmp/runs

WORKDIR /work
ENTRYPOINT ["lenetlab"]
