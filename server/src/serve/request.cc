#include "serve/request.h"

namespace aero_server {

namespace wire = aero::wire;
using aero::byte_view;
using aero::reader;
using wire::field_type;

namespace {

// Unknown fields are passed over, as the protocol wants it.
void take_field(record_request& request, const wire::field_view& field, bool& bad_digest) {
    switch (field.type) {
        case field_type::name_space:
            request.has_namespace = true;
            request.name_space = aero::as_text(field.data);
            break;
        case field_type::set: request.set = aero::as_text(field.data); break;
        case field_type::key:
            request.has_key = true;
            request.stored_key = field.data;
            break;
        case field_type::digest:
            request.has_digest = true;
            if (field.data.size() == wire::digest_size) {
                std::memcpy(request.key.data(), field.data.data(), wire::digest_size);
            } else {
                bad_digest = true;
            }
            break;
        case field_type::filter: request.has_filter = true; break;
        case field_type::udf_package: request.has_udf = true; break;
        case field_type::transaction_id: request.has_transaction = true; break;
        default: break;
    }
}

}  // namespace

rights needed_for(const record_request& request) noexcept {
    rights needed = 0;
    if (request.writes() || request.deletes()) needed |= right::write;
    if (request.reads()) needed |= right::read;
    return needed;
}

std::optional<record_request> parse_message(byte_view body) {
    if (body.size() < wire::message_header_size) return std::nullopt;
    const wire::message_header header = wire::decode_message_header(body.data());
    record_request request;
    request.info1 = header.info1;
    request.info2 = header.info2;
    request.info3 = header.info3;
    request.info4 = header.info4;
    request.generation = header.generation;
    request.ttl = header.ttl;
    request.timeout_ms = header.transaction_ttl;
    request.op_count = header.ops;
    reader from(body.subspan(wire::message_header_size));
    bool bad_digest = false;
    for (unsigned i = 0; i < header.fields && from.ok(); ++i) take_field(request, wire::read_field(from), bad_digest);
    const uint8_t* ops = from.position();
    wire::skip_ops(from, header.ops);
    if (!from.ok() || !from.at_end() || bad_digest) return std::nullopt;
    request.ops = {ops, from.position()};
    return request;
}

record_request parse_row(const wire::request_row& row, uint8_t header_info3, uint32_t timeout_ms) {
    record_request request;
    request.info1 = row.info1 & static_cast<uint8_t>(~wire::info1::compress_response);
    request.info2 = row.info2;
    const bool old_style = !(row.flags & wire::row_flag::has_info23);
    request.info3 = old_style ? header_info3 & (wire::info3::sc_read_type | wire::info3::sc_read_relax) : row.info3;
    request.info4 = row.info4;
    request.batch_row = true;
    request.has_digest = true;
    request.row_index = row.index;
    request.key = row.key;
    request.generation = row.generation;
    request.ttl = row.ttl;
    request.timeout_ms = timeout_ms;
    request.ops = row.ops;
    request.op_count = row.op_count;
    reader from(row.fields);
    bool ignored = false;
    const wire::digest key = request.key;
    for (unsigned i = 0; i < row.field_count && from.ok(); ++i) take_field(request, wire::read_field(from), ignored);
    request.key = key;  // a digest field has no meaning inside a row
    return request;
}

}  // namespace aero_server
