// Input: the body of a security message, from somebody who may do everything. Whatever it does, the answer can be read,
// and what is told afterwards too.
#include "secure/administration.h"
#include "testing/fuzz.h"
#include "wire/admin_lists.h"
#include "wire/message.h"

using namespace aero_server;
namespace wire = aero::wire;
using aero::code;

namespace {

// The result of the last record, every one of them read as what it says it is.
code read_all(const aero::buffer& reply) {
    code last = code::ok;
    aero::reader from(reply.view());
    while (!from.at_end()) {
        const aero::byte_view head = from.take(wire::frame_header_size);
        FUZZ_CHECK(from.ok());
        const auto header = wire::decode_frame_header(head.data());
        FUZZ_CHECK(header && header->type == wire::frame_type::admin);
        aero::reader body(from.take(header->body_size));
        FUZZ_CHECK(from.ok() && !body.at_end());
        while (!body.at_end()) {
            FUZZ_CHECK(last == code::ok);
            const auto record = wire::take_admin(body);
            FUZZ_CHECK(record.has_value());
            last = record->result;
            if (record->text(wire::admin_field::user)) FUZZ_CHECK(wire::user_of(*record).has_value());
            if (record->text(wire::admin_field::role)) FUZZ_CHECK(wire::role_of(*record).has_value());
        }
    }
    return last;
}

wire::admin_message question(wire::admin_command what) {
    wire::admin_message made;
    made.command = static_cast<uint8_t>(what);
    return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto asked = wire::decode_admin({data, size});
    if (!asked) return 0;
    users everybody;
    sessions logins;
    FUZZ_CHECK(everybody.take({}).empty());
    const std::string hash = "$2a$10$" + std::string(53, 'x');
    FUZZ_CHECK(everybody.create_user("root", hash, {"user-admin"}) == code::ok);
    FUZZ_CHECK(everybody.create_role({.name = "r", .privileges = {{.name_space = "test"}}}) == code::ok);
    FUZZ_CHECK(everybody.create_user("ada", hash, {"r"}) == code::ok);
    const user_ptr root = everybody.find("root");
    aero::buffer reply;
    administer(everybody, logins, *root, *asked, reply);
    read_all(reply);
    for (const auto what : {wire::admin_command::query_users, wire::admin_command::query_roles}) {
        aero::buffer told;
        administer(everybody, logins, *root, question(what), told);
        FUZZ_CHECK(read_all(told) == code::query_end);
    }
    return 0;
}
