#ifndef LOKISHIP_SHIP_PUSH_WRITER_HPP
#define LOKISHIP_SHIP_PUSH_WRITER_HPP

#include <lokiship/http/message.hpp>
#include <lokiship/loki/backfill_shard.hpp>
#include <lokiship/loki/json_encoder.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/loki/push_encoder.hpp>
#include <lokiship/ship/delivery_options.hpp>
#include <lokiship/ship/outbox.hpp>
#include <lokiship/text/timestamp.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace lokiship::ship {

/// A push of one stream.
struct stream_push {
    http::request request;
    /// How many entries it has.
    std::size_t entries = 0;
    /// Its body's, before compression.
    std::size_t size = 0;
};

/// Writes the pushes of lanes. The same entries give the same bytes. Not thread-safe.
class push_writer {
public:
    explicit push_writer(const delivery_options& options)
        : encoder_(options.make_encoder ? options.make_encoder() : std::make_unique<loki::json_encoder>())
        , timeout_(options.push_timeout) {}

    /// A push of the batch's first entries: `most` of them, or as many as `max_bytes` hold, but one at least unless `most`
    /// is 0. Throws what `stored_line::read` throws; nothing remains of the push then.
    stream_push write(const outbox::lane& l, std::size_t most, std::size_t max_bytes) {
        const std::string_view shard = l.labels.get(loki::backfill_shard_label);
        stream_push out;
        try {
            out.entries = write_stream(l, !shard.empty(), most, max_bytes);
        } catch (...) {
            // Or it would stand in the body of the next one.
            encoder_->reuse(encoder_->finish());
            throw;
        }
        out.size = encoder_->size();
        http::request& r = out.request;
        r.verb = http::method::post;
        r.target = "/loki/api/v1/push";
        r.fields.add("Content-Type", std::string(encoder_->content_type()));
        if (!encoder_->content_encoding().empty())
            r.fields.add("Content-Encoding", std::string(encoder_->content_encoding()));
        if (!shard.empty())
            r.fields.add(std::string(loki::backfill_shard_header), std::string(shard));
        r.idle_timeout = timeout_;
        r.total_timeout = max_push_time * timeout_;
        r.max_response_size = max_answer_size;
        r.body = encoder_->finish();
        return out;
    }

    /// Takes back what `write` gave, once its answer is there.
    void reuse(stream_push p) { encoder_->reuse(std::move(p.request.body)); }

private:
    std::size_t write_stream(const outbox::lane& l, bool sharded, std::size_t most, std::size_t max_bytes) {
        if (sharded) {
            loki::labels pushed = l.labels;
            pushed.set(loki::backfill_shard_label, {});
            encoder_->begin_stream(pushed);
        } else {
            encoder_->begin_stream(l.labels);
        }
        std::size_t n = 0;
        for (auto p = l.batch.begin(); n != most; ++n, ++p) {
            // Before the line, which reading makes invalid.
            const loki::labels metadata = p->sent_metadata();
            encoder_->add(p->entry.time, p->line(), metadata);
            if (n != 0 && encoder_->size() > max_bytes) {
                encoder_->undo();
                break;
            }
        }
        return n;
    }

    // An answer that drips in must not hold up a stream for ever.
    static constexpr int max_push_time = 6;
    /// What answers so much is not Loki.
    static constexpr std::size_t max_answer_size = 16 * 1024 * 1024;

    std::unique_ptr<loki::push_encoder> encoder_;
    std::chrono::nanoseconds timeout_;
};

} // namespace lokiship::ship

#endif
