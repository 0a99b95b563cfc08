#!/bin/sh
# Install the pinned PyTorch without CUDA: sh .ci/torch-cpu.sh PYTHON REQUIREMENTS [INDEX]
# Where the index cannot be reached, say so and succeed: pip then takes the usual build.
set -u

python=$1
requirements=$2
index=${3:-https://download.pytorch.org/whl/cpu}

if [ "$(uname -s)" != Linux ]; then
    echo "Only PyTorch's builds for Linux bring CUDA; here the usual build has none."
    exit 0
fi
pins=$(sed -n 's/^\(torch\(vision\)\{0,1\}==[0-9.]*\).*/\1+cpu/p' "$requirements")

# shellcheck disable=SC2086  # one argument for each pin
if "$python" -m pip install --disable-pip-version-check --timeout 15 --retries 1 --no-deps \
    --index-url "$index" $pins; then
    echo "PyTorch without CUDA is installed."
else
    echo
    echo "PyTorch's CPU builds could not be had from $index."
    echo "The usual build is taken instead. It works the same, and is some gigabytes larger on Linux."
fi
