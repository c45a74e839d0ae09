// Input: a particle type and its bytes. A value that can be read is written as bytes that give it again.
#include "testing/fuzz.h"
#include "wire/particle.h"

using namespace aero;
using namespace aero::wire;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const auto type = static_cast<particle>(data[0]);
    const byte_view bytes{data + 1, size - 1};
    const result<value> decoded = decode_particle(type, bytes);
    if (!decoded) {
        FUZZ_CHECK(decoded.error().what == code::bad_reply && !decoded.error().text.empty());
        return 0;
    }
    buffer once, twice;
    const result<particle> encoded = append_particle(once, *decoded);
    if (!encoded) {
        FUZZ_CHECK(encoded.error().what == code::invalid_argument && once.empty());
        return 0;
    }
    FUZZ_CHECK(*encoded == type);
    const result<value> second = decode_particle(type, once.view());
    FUZZ_CHECK(second && to_string(*second) == to_string(*decoded));
    FUZZ_CHECK(append_particle(twice, *second) && tests::same_bytes(once.view(), twice.view()));
    // Only containers and short integers have more than one spelling.
    const bool canonical = type != particle::list && type != particle::map && type != particle::integer;
    FUZZ_CHECK(!canonical || tests::same_bytes(once.view(), bytes));
    return 0;
}
