#include "models/latency/step_model.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cleave {

namespace {

constexpr double kActivationBytes = 2;

/// Of keys and values of a layer, numbers a token.
double kv_numbers(const Llm& llm) {
  return llm.kv_latent_size > 0 ? llm.kv_latent_size
                                : 1.0 * llm.kv_heads * (llm.head_size + llm.value_head_size);
}

}  // namespace

StepModel::Rate StepModel::rate(const FoundOperator& found, double bandwidth, double peak) {
  return {1 / (found.fit.memory * bandwidth), 1 / (found.fit.compute * peak), found.fit.call_s};
}

double StepModel::both(double memory_s, double compute_s) {
  const double memory = memory_s * memory_s;
  const double compute = compute_s * compute_s;
  return std::sqrt(std::sqrt(memory * memory + compute * compute));
}

StepModel::StepModel(const Llm& llm, const Machine& machine, const Parallelism& parallelism,
                     const Operators& operators, const HostCosts& host, const ExpertSkew& skew)
    : llm_(llm),
      parallelism_(parallelism),
      host_(host),
      load_(llm.experts, llm.experts_per_token, parallelism.expert, skew) {
  expert_layers_ = llm.experts > 1 ? llm.layers - llm.dense_layers : 0;
  set_matrices(machine.gpu, operators);
  set_experts(machine.gpu, operators);
  set_attention(machine.gpu, operators);
  set_exchanges(machine, operators);
  launch_s_ = llm.layers * host.launch_layer_s + expert_layers_ * host.launch_moe_layer_s +
              llm.linear_layers * host.launch_linear_layer_s +
              (llm.kv_latent_size > 0 ? llm.layers * host.launch_mla_layer_s : 0);
}

void StepModel::set_matrices(const Gpu& gpu, const Operators& operators) {
  const double tensor = parallelism_.tensor;
  const Format weights = llm_.formats.weights;
  dense_ = rate(operators.find(Operator::kGemm, weights), gpu.memory_bandwidth_bytes_per_s,
                gpu.tensor_flops(llm_.formats.activations.value_or(weights)));
  const double matrix = 1.0 * llm_.vocabulary * llm_.hidden_size;
  const double in_layers =
      llm_.parameters - llm_.expert_parameters() - matrix * (llm_.tied_embeddings ? 1 : 2);
  dense_bytes_ = in_layers * bytes_each(weights) / tensor;
  dense_flops_ = 2 * in_layers / tensor;
  head_bytes_ = matrix * kActivationBytes / tensor;
  head_flops_ = 2 * matrix / tensor;
  const double inner =
      llm_.dense_mlp_size * (llm_.layers - expert_layers_) + llm_.shared_mlp_size * expert_layers_;
  constexpr double kResidual = 10;  // read and written around norms and products of a layer
  constexpr double kInner = 4;
  activation_s_ = (kResidual * llm_.layers * llm_.hidden_size + kInner * inner / tensor) *
                  kActivationBytes * dense_.per_byte_s;
  // Queries, keys and values together, and output; latent ones go through two matrices and back.
  const double in_attention = llm_.kv_latent_size > 0 ? 5 : 2;
  constexpr double kInMlp = 2;
  const double with_mlp = llm_.shared_mlp_size > 0 ? llm_.layers : llm_.layers - expert_layers_;
  layers_s_ += llm_.layers * host_.layer_s + host_.kernel_calls *
                                                 (in_attention * llm_.layers + kInMlp * with_mlp) *
                                                 dense_.call_s;
}

void StepModel::set_experts(const Gpu& gpu, const Operators& operators) {
  if (expert_layers_ == 0) return;
  const Format format = llm_.formats.experts;
  experts_ = rate(operators.find(Operator::kMoe, format), gpu.memory_bandwidth_bytes_per_s,
                  gpu.tensor_flops(format));
  const double slices = parallelism_.stage_gpus() / parallelism_.expert;
  const double expert = 1.0 * llm_.mlp_matrices * llm_.hidden_size * llm_.mlp_size / slices;
  expert_bytes_ = expert * bytes_each(format);
  expert_flops_ = 2 * expert;
  routed_s_ = llm_.hidden_size * kRoutedBytes / gpu.memory_bandwidth_bytes_per_s;
  layers_s_ += expert_layers_ * host_.kernel_calls * experts_.call_s;
}

void StepModel::set_attention(const Gpu& gpu, const Operators& operators) {
  const double tensor = parallelism_.tensor;
  const bool latent = llm_.kv_latent_size > 0;
  const Format format = llm_.formats.kv_cache;
  const double with_kv = llm_.layers - llm_.linear_layers;
  const double heads = llm_.attention_heads / tensor;
  const double head = llm_.head_size + llm_.value_head_size;

  const Rate kv =
      rate(operators.find(latent ? Operator::kDecodeMla : Operator::kDecodeAttention, format),
           gpu.memory_bandwidth_bytes_per_s, gpu.fp16_flops);
  const double kv_bytes =
      kv_numbers(llm_) * bytes_each(format) * llm_.kv_copies(parallelism_.tensor) / tensor;
  const double kv_flops = 2 * heads * (latent ? 2.0 * llm_.kv_latent_size : head);
  const double kv_layer_s = both(kv_bytes * kv.per_byte_s, kv_flops * kv.per_flop_s);
  kv_token_s_ = kv_layer_s * (with_kv - llm_.window_layers);
  window_token_s_ = kv_layer_s * llm_.window_layers;
  index_token_s_ = llm_.index_size * with_kv * kv.per_byte_s;
  constexpr double kStateBytes = 4;
  state_s_ = 2 * kStateBytes * llm_.linear_state_size / tensor * llm_.linear_layers * kv.per_byte_s;

  const FoundOperator prefill =
      operators.find(latent ? Operator::kPrefillMla : Operator::kPrefillAttention, format);
  const double pair_layer_s = heads * head / (prefill.fit.compute * gpu.fp16_flops);
  pair_s_ = pair_layer_s * (with_kv - llm_.window_layers);
  window_pair_s_ = pair_layer_s * llm_.window_layers;
  constexpr double kIndexFlops = 128;  // numbers a head and token
  index_pair_s_ = llm_.index_heads * kIndexFlops * with_kv /
                  (prefill.fit.compute * gpu.tensor_flops(Format::kFp8));
  layers_s_ += llm_.layers * host_.kernel_calls * kv.call_s +
               llm_.linear_layers * host_.linear_layer_s +
               (llm_.sparse_tokens > 0 ? llm_.layers * host_.sparse_layer_s : 0);
}

// All-reduces go around: a server sends what each GPU would, over all of its NICs together (NCCL
// has a ring for each). Tokens go to the GPUs that have their experts, of which some are in the
// server, in the format of the products there, and come back in FP16.
void StepModel::set_exchanges(const Machine& machine, const Operators& operators) {
  const double tensor = parallelism_.tensor;
  const double gpus = parallelism_.stage_gpus();
  const double linked = machine.linked_gpus;
  constexpr double kNetworkCall = 15e-6;  // NCCL over InfiniBand, small messages
  const auto add = [&](double group, double count, double bytes, double network_bytes) {
    const FoundOperator found =
        operators.all_reduce(static_cast<std::uint32_t>(std::min(group, linked)));
    const double token_s = bytes * (1 / (found.fit.memory * machine.gpu.link_bytes_per_s));
    exchange_call_s_ += count * found.fit.call_s;
    exchange_token_s_ += token_s;
    if (group <= linked) return;
    exchange_call_s_ += count * kNetworkCall;
    network_token_s_ += token_s;
    network_token_bytes_ += network_bytes;
  };
  if (tensor > 1) {
    const double message = llm_.hidden_size * kActivationBytes;
    const double count = 2.0 * llm_.layers - (parallelism_.data > 1 ? expert_layers_ : 0);
    const double sent = count * 2 * (tensor - 1) / tensor * message;
    add(tensor, count, sent, sent);
  }
  if (parallelism_.data > 1 && expert_layers_ > 0) {
    const double both_ways =
        bytes_each(machine.gpu.product_format(llm_.formats.experts)) + kActivationBytes;
    const double of_a_layer =
        std::min<double>(llm_.experts_per_token, gpus - 1) * llm_.hidden_size * both_ways / tensor;
    const double sent = expert_layers_ * of_a_layer;
    add(gpus, 2 * expert_layers_, sent, sent * linked * (gpus - linked) / (gpus - 1));
  }
}

double StepModel::matrix_s(const Work& work) const {
  return both(dense_bytes_ * dense_.per_byte_s, dense_flops_ * work.tokens * dense_.per_flop_s) +
         both(head_bytes_ * dense_.per_byte_s, head_flops_ * work.samples * dense_.per_flop_s) +
         activation_s_ * work.tokens;
}

double StepModel::expert_s(double all_tokens) const {
  if (expert_layers_ == 0) return 0;
  const auto [touched, routed] = load_.of(all_tokens);
  const double matrices_s = both(touched * expert_bytes_ * experts_.per_byte_s,
                                 routed * expert_flops_ * experts_.per_flop_s);
  return expert_layers_ * (matrices_s + routed * routed_s_);
}

double StepModel::exchange_s(const Work& work) const {
  return exchange_call_s_ + exchange_token_s_ * work.tokens;
}

StepModel::KvTime StepModel::kv_time(double kv_tokens, double sequences) const {
  const double each = sequences > 0 ? kv_tokens / sequences : 0;
  KvTime time{state_s_ * sequences, index_token_s_, std::numeric_limits<double>::infinity()};
  time.seconds += index_token_s_ * kv_tokens;
  const auto add = [&](double per_token_s, double most) {
    if (per_token_s == 0) return;
    if (most > 0 && each >= most) {
      time.seconds += per_token_s * most * sequences;
      return;
    }
    time.seconds += per_token_s * kv_tokens;
    time.per_token_s += per_token_s;
    if (most > 0) time.until_tokens = std::min(time.until_tokens, most * sequences);
  };
  add(kv_token_s_, llm_.sparse_tokens);
  add(window_token_s_, llm_.window_tokens);
  return time;
}

StepModel::PairTime StepModel::pair_time(double tokens, double pairs) const {
  PairTime time{index_pair_s_ * pairs, index_pair_s_, std::numeric_limits<double>::infinity()};
  const auto add = [&](double per_pair_s, double most_seen) {
    const double most = 2 * tokens * most_seen;
    if (most_seen > 0 && pairs >= most) {
      time.seconds += per_pair_s * most;
      return;
    }
    time.seconds += per_pair_s * pairs;
    time.per_pair_s += per_pair_s;
    if (most_seen > 0) time.until_pairs = std::min(time.until_pairs, most);
  };
  add(pair_s_, llm_.sparse_tokens);
  if (window_pair_s_ > 0) add(window_pair_s_, llm_.window_tokens);
  return time;
}

/// Of the prompts, what the data-parallel group has that has most of them: groups wait for one
/// another after each layer, and a prompt is one group's.
double StepModel::prompt_share(const BatchShape& shape) const {
  const std::uint32_t groups = parallelism_.data;
  const std::uint32_t prompts = shape.prompts;
  if (prompts == 0) return 1.0 / groups;
  return static_cast<double>((prompts + groups - 1) / groups) / prompts;
}

/// Attention of the prompts, what stages wait for one another, and the time to launch it all.
void StepModel::add_prompts(const BatchShape& shape, RunCost& cost) const {
  const double stages = parallelism_.pipeline;
  const double bubbles = (2 * stages - 1) / stages;
  const double shares = stages / prompt_share(shape);
  const PairTime pairs = pair_time(shape.prefill_tokens, shape.prefill_pairs);
  cost.first_s = bubbles * (cost.first_s + pairs.seconds / shares);
  cost.growth_s = bubbles * (cost.growth_s + pairs.per_pair_s * shape.pairs_growth / shares);
  cost.network_s *= bubbles;
  cost.network_bytes *= bubbles;
  if (pairs.per_pair_s > 0) {
    cost.holds_for =
        std::min(cost.holds_for,
                 iterations_within(pairs.until_pairs - shape.prefill_pairs, shape.pairs_growth));
  }
  if (cost.first_s < launch_s_) {
    cost.holds_for =
        std::min(cost.holds_for, iterations_within(launch_s_ - cost.first_s, cost.growth_s));
    cost.first_s = launch_s_;
    cost.growth_s = 0;
  }
  cost.first_s += host_.prompt_s;
}

RunCost StepModel::cost(const BatchShape& shape) const {
  const double stages = parallelism_.pipeline;
  const double groups = parallelism_.data;
  const double decodes = shape.decodes / stages;
  const double tokens = shape.prefill_tokens / stages + decodes;
  const auto of_a_group = [&](double all) { return std::max(all / groups, std::min(all, 1.0)); };
  const bool prompts = shape.prefill_tokens > 0;
  const double prefilled = shape.prefill_tokens / stages * prompt_share(shape);
  const Work work{std::max(of_a_group(tokens), prefilled + decodes / groups), tokens,
                  of_a_group(std::max(decodes, 1 / stages))};

  RunCost cost;
  cost.first_s = matrix_s(work) + expert_s(work.all) + exchange_s(work) + layers_s_;
  cost.network_s = network_token_s_ * work.tokens;
  cost.network_bytes = network_token_bytes_ * work.tokens;
  const double sequences = of_a_group(decodes);
  const double kv_share = shape.decodes > 0 ? sequences / shape.decodes : 0;
  const KvTime kv =
      kv_time(static_cast<double>(shape.kv_tokens) * kv_share, shape.decodes * kv_share);
  cost.first_s += kv.seconds;
  cost.growth_s += kv.per_token_s * shape.kv_growth * kv_share;
  if (kv.per_token_s > 0) {
    cost.holds_for =
        iterations_within(kv.until_tokens - static_cast<double>(shape.kv_tokens) * kv_share,
                          shape.kv_growth * kv_share);
  }
  if (prompts) add_prompts(shape, cost);
  cost.first_s += host_.step_s + host_.sequence_s * of_a_group(shape.decodes + (prompts ? 1 : 0));
  return cost;
}

}  // namespace cleave
