#include "ring/succession.h"

#include <algorithm>
#include <numeric>

namespace aero_server {

namespace {

uint64_t mix(uint64_t x) noexcept {
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9;
    x ^= x >> 27;
    x *= 0x94d049bb133111eb;
    return x ^ x >> 31;
}

uint64_t weight_of(unsigned partition, std::string_view node_id) noexcept {
    uint64_t hash = 0xcbf29ce484222325;
    for (const char c : node_id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return mix(hash ^ mix(partition + 1));
}

}  // namespace

std::vector<uint8_t> succession_of(unsigned partition, std::span<const std::string> node_ids) {
    std::vector<uint64_t> weights;
    for (const std::string& id : node_ids) weights.push_back(weight_of(partition, id));
    std::vector<uint8_t> order(node_ids.size());
    std::iota(order.begin(), order.end(), uint8_t{0});
    std::sort(order.begin(), order.end(), [&](uint8_t a, uint8_t b) {
        return weights[a] != weights[b] ? weights[a] > weights[b] : node_ids[a] < node_ids[b];
    });
    return order;
}

}  // namespace aero_server
