#include "values/particle.h"

#include "base/buffer.h"
#include "values/collection.h"
#include "values/geojson.h"

namespace aero_server {

namespace wire = aero::wire;
using aero::byte_view;
using aero::code;

namespace {

// Short integers are widened with zeros, whatever their sign bit says: so the real server does.
code accept_integer(byte_view& value, arena& memory) {
    if (value.size() == 8) return code::ok;
    if (value.size() != 1 && value.size() != 2 && value.size() != 4) return code::parameter;
    uint8_t* to = memory.take(8);
    std::memset(to, 0, 8);
    std::memcpy(to + 8 - value.size(), value.data(), value.size());
    value = {to, 8};
    return code::ok;
}

code accept_collection(container wanted, byte_view& value, arena& memory) {
    aero::buffer normal(value.size());
    if (!normalise_collection(value, wanted, normal)) return code::server_error;
    value = memory.copy(normal.view());
    return code::ok;
}

// `u8` flags, `u16` count of cells, the cells, the text. Cells sent by a client are dropped.
code accept_geojson(byte_view& value, arena& memory) {
    if (value.size() < 3) return code::parameter;
    const size_t skip = 3 + size_t{8} * aero::load_be<uint16_t>(value.data() + 1);
    if (value.size() < skip) return code::parameter;
    const byte_view text = value.subspan(skip);
    const geometry kind = geometry_of(aero::as_text(text));
    if (kind == geometry::invalid) return static_cast<code>(160);
    uint8_t* to = memory.take(3 + text.size());
    to[0] = kind == geometry::region ? 1 : 0;
    to[1] = to[2] = 0;
    std::memcpy(to + 3, text.data(), text.size());
    value = {to, 3 + text.size()};
    return code::ok;
}

}  // namespace

code accept_value(wire::particle type, byte_view& value, arena& memory) {
    using wire::particle;
    switch (type) {
        case particle::integer: return accept_integer(value, memory);
        case particle::floating: return value.size() == 8 ? code::ok : code::parameter;
        case particle::string:
        case particle::blob:
        case particle::java_blob:
        case particle::csharp_blob:
        case particle::python_blob:
        case particle::ruby_blob:
        case particle::php_blob:
        case particle::erlang_blob:
        case particle::vector: return code::ok;
        case particle::boolean: return value.size() == 1 && value[0] <= 1 ? code::ok : code::parameter;
        case particle::list: return accept_collection(container::list, value, memory);
        case particle::map: return accept_collection(container::map, value, memory);
        case particle::geojson: return accept_geojson(value, memory);
        default: return code::parameter;  // HLL sketches come with their operations
    }
}

}  // namespace aero_server
