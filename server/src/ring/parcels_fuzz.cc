// Input: one byte that says what the rest is: a request passed on, an answer to one, records of a copy, or a write with
// its origin. What was read is written as bytes that read the same.
#include "ring/parcels.h"

#include <memory>

#include "testing/fuzz.h"

using namespace aero_server;
using aero::buffer;
using aero::byte_view;
using aero::reader;
using aero::tests::same_bytes;

namespace {

// One for many inputs, as it takes long to make; a new one now and then, as it never forgets the name of a set.
store& shared_store() {
    static const server_clock clock;
    static std::unique_ptr<store> held;
    static unsigned uses = 0;
    if (uses++ % 4096 == 0) held = std::make_unique<store>("test", 0, clock);
    return *held;
}

void check_request(byte_view bytes) {
    const auto read = parcels::read_request(reader(bytes));
    if (!read) return;
    buffer again;
    parcels::write_request(again, *read);
    const auto same = parcels::read_request(reader(again.view().subspan(1)));
    FUZZ_CHECK(same.has_value());
    buffer third;
    parcels::write_request(third, *same);
    FUZZ_CHECK(same_bytes(third.view(), again.view()));
}

void check_answer(byte_view bytes) {
    buffer reply;
    const answer read = parcels::read_answer(bytes, reply);
    FUZZ_CHECK(reply.size() <= bytes.size());
    if (read.is != answer::kind::done) return;
    buffer again;
    parcels::write_answer(again, read, reply.view());
    FUZZ_CHECK(same_bytes(again.view(), bytes));
}

void check_records(byte_view bytes) {
    store& into = shared_store();
    reader from(bytes);
    while (const record_ptr read = parcels::read_record(from, into)) {
        buffer again;
        parcels::append_record(again, *read);
        reader second(again.view());
        const record_ptr same = parcels::read_record(second, into);
        FUZZ_CHECK(same != nullptr && second.at_end());
        FUZZ_CHECK(same->key == read->key && same->set == read->set && same->bin_count == read->bin_count);
        FUZZ_CHECK(same_bytes(same->bins(), read->bins()) && same_bytes(same->stored_key(), read->stored_key()));
    }
}

void check_write(byte_view bytes) {
    reader from(bytes);
    const parcels::origin by = parcels::read_origin(from);
    if (!from.ok()) return;
    store& into = shared_store();
    const record_ptr read = parcels::read_record(from, into);
    if (read == nullptr) return;
    buffer again;
    parcels::write_replica(again, by, *read);
    reader second(again.view().subspan(1));
    const parcels::origin same = parcels::read_origin(second);
    FUZZ_CHECK(same.node == by.node && same.namespace_index == by.namespace_index && same.sequence == by.sequence);
    FUZZ_CHECK(parcels::read_record(second, into) != nullptr);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const byte_view bytes{data + 1, size - 1};
    switch (data[0] % 4) {
        case 0: check_request(bytes); break;
        case 1: check_answer(bytes); break;
        case 2: check_records(bytes); break;
        default: check_write(bytes);
    }
    return 0;
}
