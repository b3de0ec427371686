# Tenfold's service and page, without torch. Build: docker build --tag tenfold .
FROM debian:bookworm-slim AS build

# The base image is what pins these.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends binutils python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src src
# Then out with what serving never touches: tests, converters, the C library beside ONNX Runtime's own module, the
# training images, AVIF, installers, compiled files (PYTHONPYCACHEPREFIX brings those back, in memory), and what only a
# debugger reads. Libraries that wheels carry beside their modules are left whole: stripping breaks them.
RUN python3 -m venv /opt/tenfold \
    && /opt/tenfold/bin/pip install --no-cache-dir --only-binary :all: --no-binary tenfold \
        --constraint constraints.txt '.[serve]' \
    && /opt/tenfold/bin/pip uninstall --yes pip setuptools \
    && find /opt/tenfold -type d -path '*/onnxruntime/*' -regex '.*/\(transformers\|quantization\|tools\)' \
        -prune -exec rm -rf {} + \
    && find /opt/tenfold -type d -name tests -prune -exec rm -rf {} + \
    && find /opt/tenfold '(' -name '*.pyc' -o -name 'libonnxruntime.so.*' -o -path '*/data/mnist/*.gz' \
        -o -name '_avif.*.so' -o -path '*/pillow.libs/libavif*' ')' -delete \
    && find /opt/tenfold -name '*.so' '(' -path '*/uvloop/*' -o -path '*/httptools/*' ')' -exec strip {} +

FROM debian:bookworm-slim

# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin tenfold
COPY --from=build /opt/tenfold /opt/tenfold
COPY results /opt/tenfold/results

ENV PATH=/opt/tenfold/bin:$PATH \
    PYTHONPYCACHEPREFIX=/tmp/compiled \
    PYTHONUNBUFFERED=1 \
    OMP_NUM_THREADS=1
USER 10001
WORKDIR /tmp
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python3", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/v2/health/ready', timeout=4)"]
ENTRYPOINT ["tenfold", "serve", "--host", "0.0.0.0", "--port", "8000", "--results", "/opt/tenfold/results"]
