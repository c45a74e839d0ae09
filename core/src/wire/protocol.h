// The numbers of the wire protocol, and nothing else. Names follow the protocol's own words.
#pragma once

#include <cstddef>
#include <cstdint>

namespace aero::wire {

inline constexpr uint8_t protocol_version = 2;
inline constexpr size_t frame_header_size = 8;
inline constexpr size_t message_header_size = 22;
inline constexpr size_t body_size_max = 128u << 20;  // a server closes the connection above it
inline constexpr size_t digest_size = 20;
inline constexpr unsigned partitions = 4096;
inline constexpr size_t bin_name_size_max = 15;
inline constexpr size_t namespace_size_max = 31;
inline constexpr size_t set_size_max = 63;
inline constexpr unsigned ops_max = 32768;              // of one message or batch row
inline constexpr uint32_t epoch_offset_s = 1262304000;  // void times count from 2010-01-01T00:00:00Z
inline constexpr uint32_t ttl_never = 0xFFFFFFFF;

enum class frame_type : uint8_t { info = 1, admin = 2, message = 3, compressed = 4 };

namespace info1 {
inline constexpr uint8_t read = 0x01, get_all = 0x02, short_query = 0x04, batch = 0x08, get_no_bins = 0x20,
                         read_all_replicas = 0x40, compress_response = 0x80;
}
namespace info2 {
inline constexpr uint8_t write = 0x01, delete_record = 0x02, generation = 0x04, generation_gt = 0x08,
                         durable_delete = 0x10, create_only = 0x20, relax_ap_long_query = 0x40, respond_all_ops = 0x80;
}
namespace info3 {
inline constexpr uint8_t last = 0x01, commit_master = 0x02, partition_done = 0x04, update_only = 0x08,
                         create_or_replace = 0x10, replace_only = 0x20, sc_read_type = 0x40, sc_read_relax = 0x80;
}

enum class field_type : uint8_t {
    name_space = 0,
    set = 1,
    key = 2,
    record_version = 3,
    digest = 4,
    transaction_id = 5,
    transaction_deadline = 6,
    task_id = 7,
    socket_timeout = 9,
    records_per_second = 10,
    partition_ids = 11,
    resume_digests = 12,
    max_records = 13,
    index_values = 15,
    index_name = 21,
    index_range = 22,
    index_context = 23,
    index_expression = 24,
    index_type = 26,
    udf_package = 30,
    udf_function = 31,
    udf_arguments = 32,
    udf_op = 33,
    batch = 41,
    batch_with_sets = 42,
    filter = 43,
};

enum class op_code : uint8_t {
    read = 1,
    write = 2,
    cdt_read = 3,
    cdt_modify = 4,
    incr = 5,
    exp_read = 7,
    exp_modify = 8,
    append = 9,
    prepend = 10,
    touch = 11,
    bits_read = 12,
    bits_modify = 13,
    delete_all = 14,
    hll_read = 15,
    hll_modify = 16,
};

enum class particle : uint8_t {
    null = 0,
    integer = 1,
    floating = 2,
    string = 3,
    blob = 4,
    java_blob = 7,
    csharp_blob = 8,
    python_blob = 9,
    ruby_blob = 10,
    php_blob = 11,
    erlang_blob = 12,
    vector = 16,
    boolean = 17,
    hll = 18,
    map = 19,
    list = 20,
    geojson = 23,
};

namespace batch_flag {  // of the batch field
inline constexpr uint8_t in_line = 0x01, in_line_ssd = 0x02, respond_all_keys = 0x04, report_error_row = 0x08;
}
namespace row_flag {  // of one row
inline constexpr uint8_t repeat = 0x01, has_info23 = 0x02, has_generation = 0x04, has_ttl = 0x08, has_info4 = 0x10;
}

}  // namespace aero::wire
