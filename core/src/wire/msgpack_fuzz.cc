// Input: MessagePack of an element. Tokens, skipping and values must agree; a value packs to bytes that give it again.
#include "testing/fuzz.h"
#include "wire/msgpack.h"
#include "wire/particle.h"

using namespace aero;
using namespace aero::wire;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const byte_view bytes{data, size};
    reader tokens(bytes);
    pack_token token;
    for (bool raw = false; read_token(tokens, token, raw); raw = !raw) {
        FUZZ_CHECK(tokens.remaining() < size);
        FUZZ_CHECK(token.kind != pack_kind::bytes || token.data.size() <= size);
    }
    FUZZ_CHECK(tokens.at_end());

    reader unpacking(bytes), skipping(bytes);
    const result<value> unpacked = unpack_value(unpacking);
    const bool skipped = skip_value(skipping);
    if (!unpacked) {
        FUZZ_CHECK(unpacked.error().what == code::bad_reply);
        return 0;
    }
    FUZZ_CHECK(skipped && skipping.position() == unpacking.position());
    buffer once, twice;
    if (const result<void> packed = pack_value(once, *unpacked); !packed) {
        FUZZ_CHECK(packed.error().what == code::invalid_argument && once.empty());  // keys that no server takes
        return 0;
    }
    reader again(once.view());
    const result<value> second = unpack_value(again);
    FUZZ_CHECK(second && again.at_end());
    FUZZ_CHECK(to_string(*second) == to_string(*unpacked));  // as text, because a NaN equals nothing
    FUZZ_CHECK(pack_value(twice, *second));
    FUZZ_CHECK(tests::same_bytes(once.view(), twice.view()));
    return 0;
}
