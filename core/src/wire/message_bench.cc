// Encoding one get and one put into a buffer that is used again, as a connection does.
#include "wire/message.h"

#include <benchmark/benchmark.h>

#include "testing/benchmarks.h"
#include "wire/digest.h"
#include "wire/particle.h"

namespace aero::wire {
namespace {

void write_get(buffer& to, const digest& key) {
    message_writer writer(to);
    writer.header().info1 = info1::read | info1::get_all;
    writer.header().transaction_ttl = 1000;
    writer.field(field_type::name_space, "test");
    writer.field(field_type::set, "users");
    writer.field(field_type::digest, byte_view(key));
    writer.finish();
}

void encode_get(benchmark::State& state) {
    const digest key = digest_of({"users", particle::string, as_bytes("alice")});
    buffer to;
    for (auto _ : state) {
        to.clear();
        write_get(to, key);
        benchmark::DoNotOptimize(to.data());
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(to.size()));
}
BENCHMARK(encode_get)->Apply(testing::countable);

void encode_put_of_eight_bins(benchmark::State& state) {
    const digest key = digest_of({"users", particle::string, as_bytes("alice")});
    const value number = 42, fraction = 0.5, text = "sixteen letters.";
    const std::string_view names[] = {"bin_0", "bin_1", "bin_2", "bin_3", "bin_4", "bin_5", "bin_6", "bin_7"};
    buffer to;
    for (auto _ : state) {
        to.clear();
        message_writer writer(to);
        writer.header().info2 = info2::write;
        writer.field(field_type::name_space, "test");
        writer.field(field_type::set, "users");
        writer.field(field_type::digest, byte_view(key));
        buffer& ops = writer.ops(8);
        for (unsigned i = 0; i < 8; ++i) {
            benchmark::DoNotOptimize(append_value_op(ops, op_code::write, names[i],
                                                     i < 4   ? number
                                                     : i < 6 ? fraction
                                                             : text));
        }
        writer.finish();
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(to.size()));
}
BENCHMARK(encode_put_of_eight_bins)->Apply(testing::countable);

void decode_header_and_fields(benchmark::State& state) {
    buffer message;
    write_get(message, digest_of({"users", particle::string, as_bytes("alice")}));
    for (auto _ : state) {
        reader from(message.view());
        from.take(frame_header_size);
        const message_header header = decode_message_header(from.take(message_header_size).data());
        for (unsigned i = 0; i < header.fields; ++i) benchmark::DoNotOptimize(read_field(from));
    }
}
BENCHMARK(decode_header_and_fields)->Apply(testing::countable);

}  // namespace
}  // namespace aero::wire
