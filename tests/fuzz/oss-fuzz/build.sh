#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Builds every fuzz target for OSS-Fuzz: programs, corpora and dictionaries in $OUT. The environment names compiler, flags and engine.
set -eu

source_dir=$SRC/libsecretchat
build_dir=$WORK/build
engine=$LIB_FUZZING_ENGINE
[ "${FUZZING_ENGINE:-libfuzzer}" = libfuzzer ] || engine="$engine -lc++"

cmake -S "$source_dir" -B "$build_dir" -DCMAKE_C_COMPILER="$CC" -DCMAKE_C_FLAGS="$CFLAGS -DSCHAT_DEBUG_CHECKS" -DSECRETCHAT_EXAMPLES=OFF \
  -DSECRETCHAT_FUZZ=ON -DSECRETCHAT_FUZZ_ENGINE="$engine" -DOPENSSL_USE_STATIC_LIBS=TRUE

targets=()
for file in "$source_dir"/tests/fuzz/*.c; do
  if grep -q '^int LLVMFuzzerTestOneInput' "$file"; then targets+=("$(basename "$file" .c)"); fi
done
cmake --build "$build_dir" -j"$(nproc)" --target fuzz_seeds "${targets[@]/#/fuzz_}"
ASAN_OPTIONS=detect_leaks=0 "$build_dir/tests/fuzz_seeds" "$WORK/seeds"

for target in "${targets[@]}"; do
  cp "$build_dir/tests/fuzz_$target" "$OUT/"
  cp "$WORK/seeds/ids.dict" "$OUT/fuzz_$target.dict"
  for folder in "$WORK/seeds/$target" "$source_dir/tests/fuzz/corpus/$target" "$source_dir/tests/fuzz/findings/$target"; do
    if [ -d "$folder" ]; then zip -q -j -r "$OUT/fuzz_${target}_seed_corpus.zip" "$folder"; fi
  done
done
