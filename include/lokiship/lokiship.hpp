#ifndef LOKISHIP_LOKISHIP_HPP
#define LOKISHIP_LOKISHIP_HPP

// Everything but what needs Beast (`lokiship/beast.hpp`) and the doubles (`lokiship/testing/`).
#include <lokiship/aoss/execution_record.hpp>
#include <lokiship/aoss/logs_api.hpp>
#include <lokiship/aoss/page_reader.hpp>
#include <lokiship/aoss/step_key.hpp>
#include <lokiship/aoss/to_entry.hpp>
#include <lokiship/clock.hpp>
#include <lokiship/error.hpp>
#include <lokiship/http/message.hpp>
#include <lokiship/http/transport.hpp>
#include <lokiship/http/url.hpp>
#include <lokiship/loki/entry.hpp>
#include <lokiship/loki/entry_fates.hpp>
#include <lokiship/loki/ingestion_limits.hpp>
#include <lokiship/loki/json_encoder.hpp>
#include <lokiship/loki/label_value.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/loki/push_reply.hpp>
#include <lokiship/loki/query.hpp>
#include <lokiship/loki/stream_window.hpp>
#include <lokiship/ship/backfill.hpp>
#include <lokiship/ship/backoff.hpp>
#include <lokiship/ship/counters.hpp>
#include <lokiship/ship/delivery.hpp>
#include <lokiship/ship/delivery_options.hpp>
#include <lokiship/ship/fetch.hpp>
#include <lokiship/ship/log.hpp>
#include <lokiship/ship/outbox.hpp>
#include <lokiship/ship/read_back.hpp>
#include <lokiship/ship/recent_keys.hpp>
#include <lokiship/ship/rejection.hpp>
#include <lokiship/ship/shipper.hpp>
#include <lokiship/ship/spool.hpp>
#include <lokiship/ship/verification.hpp>
#include <lokiship/steady_time.hpp>
#include <lokiship/text/escape.hpp>
#include <lokiship/text/timestamp.hpp>
#include <lokiship/text/utf8.hpp>
#include <lokiship/version.hpp>

#endif
