#ifndef LOKISHIP_TESTING_FAKE_LOKI_STREAM_SHARDING_HPP
#define LOKISHIP_TESTING_FAKE_LOKI_STREAM_SHARDING_HPP

#include <lokiship/testing/fake_loki/distributor.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace lokiship::testing {

/// Splits streams that get more than a rate, by the label `__stream_shard__`, entry after entry in turn.
///
/// As in Loki, a stream's rate is a moving average that is taken each second, so the first pushes of a stream
/// are never split, and the shards go on where the last push ended. A re-sent entry therefore lands in
/// another stream.
class stream_sharding {
public:
    std::vector<valid_stream> split(std::vector<valid_stream> streams, const loki_limits& limits,
                                    timestamp now) {
        std::vector<valid_stream> out;
        for (auto& s : streams) {
            std::size_t size = 0;
            for (const auto& e : s.entries)
                size += entry_size(e, limits.version);
            flow& f = flows_[to_text(s.labels)];
            f.go_on(now);
            const double rate = f.bytes + static_cast<double>(size) * std::min(f.pushes, 1.0);
            const auto desired = static_cast<double>(limits.shard_streams_desired_rate);
            const std::size_t shards =
                f.pushes == 0 || desired <= 0 ? 1 : static_cast<std::size_t>(std::ceil(rate / desired));
            f.bytes_now += static_cast<double>(size);
            f.pushes_now += 1;
            if (shards <= 1) {
                out.push_back(std::move(s));
                continue;
            }
            const std::size_t count = std::min(shards, s.entries.size()), first = out.size();
            for (std::size_t i = 0; i != count; ++i) {
                valid_stream& shard = out.emplace_back(valid_stream{s.labels, {}});
                loki::label number{"__stream_shard__", std::to_string((f.next_shard + i) % shards)};
                shard.labels.insert(std::upper_bound(shard.labels.begin(), shard.labels.end(), number),
                                    std::move(number));
            }
            f.next_shard += count;
            for (std::size_t i = 0; i != s.entries.size(); ++i)
                out[first + i % count].entries.push_back(std::move(s.entries[i]));
        }
        return out;
    }

private:
    struct flow {
        /// Averages of a second, and what came in the second that runs.
        double bytes = 0, pushes = 0, bytes_now = 0, pushes_now = 0;
        std::int64_t second = 0;
        std::size_t next_shard = 0;

        void go_on(timestamp now) {
            constexpr double weight = 0.4;
            const auto current = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
            // After a minute of silence nothing is left of an average.
            second = std::max(second, current - 60);
            for (; second < current; ++second) {
                bytes += weight * (std::exchange(bytes_now, 0) - bytes);
                pushes += weight * (std::exchange(pushes_now, 0) - pushes);
            }
        }
    };
    std::map<std::string, flow> flows_;
};

} // namespace lokiship::testing

#endif
