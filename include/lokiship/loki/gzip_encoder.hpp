#ifndef LOKISHIP_LOKI_GZIP_ENCODER_HPP
#define LOKISHIP_LOKI_GZIP_ENCODER_HPP

#include <lokiship/loki/push_encoder.hpp>

#include <boost/assert.hpp>

#include <libdeflate.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace lokiship::loki {

/// Compresses what another encoder, of JSON, writes. Needs libdeflate; `lokiship.hpp` does not include it.
class gzip_encoder final : public push_encoder {
public:
    /// Preconditions: `plain` is not null, and `level` is from 1, which is fast, to 12, which is small.
    explicit gzip_encoder(std::unique_ptr<push_encoder> plain, int level = 1)
        : plain_(std::move(plain))
        , compressor_(libdeflate_alloc_compressor(level)) {
        BOOST_ASSERT(plain_ && level >= 1 && level <= 12);
        if (!compressor_)
            throw std::bad_alloc();
    }

    std::string_view content_type() const noexcept override { return plain_->content_type(); }
    std::string_view content_encoding() const noexcept override { return "gzip"; }
    void begin_stream(const labels& set) override { plain_->begin_stream(set); }
    using push_encoder::add;
    void add(timestamp time, std::string_view line, const labels& metadata) override {
        plain_->add(time, line, metadata);
    }
    void undo() override { plain_->undo(); }
    std::size_t size() const noexcept override { return plain_->size(); }
    std::string finish() override {
        std::string plain = plain_->finish();
        packed_.resize(
            std::max(packed_.size(), libdeflate_gzip_compress_bound(compressor_.get(), plain.size())));
        const std::size_t n = libdeflate_gzip_compress(compressor_.get(), plain.data(), plain.size(),
                                                       packed_.data(), packed_.size());
        plain_->reuse(std::move(plain));
        return packed_.substr(0, n);
    }

private:
    struct free_compressor {
        void operator()(libdeflate_compressor* c) const noexcept { libdeflate_free_compressor(c); }
    };

    std::unique_ptr<push_encoder> plain_;
    std::unique_ptr<libdeflate_compressor, free_compressor> compressor_;
    std::string packed_;
};

} // namespace lokiship::loki

#endif
