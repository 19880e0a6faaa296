#pragma once

#include <array>
#include <cstdint>

namespace cleave {

/// Where a request stands between its arrival and its end: in one step at a time.
enum class Step : std::uint8_t {
  kGone,           ///< not in the cluster
  kOutside,        ///< arrived, and on no instance
  kPromptWaits,    ///< on its prompt instance, for its prompt phase
  kPromptLoads,    ///< on its prompt instance; some of its KV cache comes from a lower tier
  kPrompt,         ///< its prompt is computed
  kPromptNoRoom,   ///< and what is done waits for room on its token instance
  kPromptSends,    ///< and some of what is done leaves
  kPromptSent,     ///< and all that could leave has arrived
  kPromptStopped,  ///< its prompt instance stopped under it
  kNoRoom,         ///< prompt done; the KV cache waits for room on its token instance
  kSends,          ///< no prompt is computed; the KV cache is posted or on its way
  kSyncs,          ///< prompt done; the layers that arrived are synchronised
  kTokenWaits,     ///< on its token instance, for a place in the batch
  kToken,          ///< decodes
  kAside,          ///< put aside, its KV cache still in memory
  kRedoWaits,      ///< its KV cache was dropped and waits to be computed again
  kRedoLoads,      ///< and some of it comes from a lower tier
  kRedo,           ///< its KV cache is computed again
  kTokenStopped,   ///< its token instance stopped under it
  kCount
};

const char* step_name(Step step);

/// A set of steps.
class Steps {
 public:
  constexpr Steps() = default;
  template <class... Others>
  constexpr explicit Steps(Others... steps) : bits_(((1U << static_cast<unsigned>(steps)) | ...)) {}
  constexpr bool has(Step step) const { return (bits_ >> static_cast<unsigned>(step) & 1U) != 0; }

 private:
  std::uint32_t bits_ = 0;
};

namespace steps {

/// Assigned, prompt phase not done.
inline constexpr Steps kInPromptPhase{Step::kPromptWaits,  Step::kPromptLoads, Step::kPrompt,
                                      Step::kPromptNoRoom, Step::kPromptSends, Step::kPromptSent,
                                      Step::kPromptStopped};
/// Between the two instances.
inline constexpr Steps kBetween{Step::kNoRoom, Step::kSends, Step::kSyncs};
/// On its token instance.
inline constexpr Steps kInTokenPhase{Step::kTokenWaits,  Step::kToken,     Step::kAside,
                                     Step::kRedoWaits,   Step::kRedoLoads, Step::kRedo,
                                     Step::kTokenStopped};
/// Its next work on an instance is a prompt: its own, or its KV cache once more.
inline constexpr Steps kComputesPrompt{Step::kPromptWaits,  Step::kPromptLoads, Step::kPrompt,
                                       Step::kPromptNoRoom, Step::kPromptSends, Step::kPromptSent,
                                       Step::kRedoWaits,    Step::kRedoLoads,   Step::kRedo};
/// In its prompt phase, and it has asked for room on its token instance.
inline constexpr Steps kLeaves{Step::kPromptNoRoom, Step::kPromptSends, Step::kPromptSent};
/// In its prompt phase, and it has room on its token instance.
inline constexpr Steps kHasRoom{Step::kPromptSends, Step::kPromptSent};
/// Waits on an instance for a place in the batch.
inline constexpr Steps kWaits{Step::kPromptWaits, Step::kPromptLoads, Step::kTokenWaits,
                              Step::kAside,       Step::kRedoWaits,   Step::kRedoLoads};
/// Out of the line there until its load ends.
inline constexpr Steps kLoads{Step::kPromptLoads, Step::kRedoLoads};
/// In a batch.
inline constexpr Steps kRuns{Step::kPrompt,     Step::kPromptNoRoom, Step::kPromptSends,
                             Step::kPromptSent, Step::kToken,        Step::kRedo};
/// Its instance stopped under it.
inline constexpr Steps kStopped{Step::kPromptStopped, Step::kTokenStopped};
/// Its KV cache is posted, or in the fabric.
inline constexpr Steps kFlows{Step::kPromptSends, Step::kSends};

}  // namespace steps

/// The steps that may follow each step.
inline constexpr std::array<Steps, static_cast<std::size_t>(Step::kCount)> kNextSteps{{
    /* kGone          */ Steps(Step::kOutside),
    /* kOutside       */ Steps(Step::kPromptWaits, Step::kGone),
    /* kPromptWaits   */
    Steps(Step::kPrompt, Step::kPromptLoads, Step::kPromptStopped, Step::kOutside),
    /* kPromptLoads   */ Steps(Step::kPromptWaits, Step::kPromptStopped, Step::kOutside),
    /* kPrompt        */
    Steps(Step::kPromptNoRoom, Step::kNoRoom, Step::kTokenWaits, Step::kPromptWaits,
          Step::kPromptStopped, Step::kOutside, Step::kGone),
    /* kPromptNoRoom  */
    Steps(Step::kPromptSent, Step::kNoRoom, Step::kPrompt, Step::kPromptWaits, Step::kPromptStopped,
          Step::kOutside),
    /* kPromptSends   */
    Steps(Step::kPromptSent, Step::kSends, Step::kPrompt, Step::kPromptWaits, Step::kPromptStopped,
          Step::kOutside),
    /* kPromptSent    */
    Steps(Step::kPromptSends, Step::kSends, Step::kSyncs, Step::kTokenWaits, Step::kPrompt,
          Step::kPromptWaits, Step::kPromptStopped, Step::kOutside),
    /* kPromptStopped */ Steps(Step::kOutside),
    /* kNoRoom        */ Steps(Step::kSends, Step::kOutside),
    /* kSends         */ Steps(Step::kSyncs, Step::kTokenWaits, Step::kOutside),
    /* kSyncs         */ Steps(Step::kTokenWaits, Step::kOutside),
    /* kTokenWaits    */ Steps(Step::kToken, Step::kSends, Step::kTokenStopped, Step::kOutside),
    /* kToken         */
    Steps(Step::kAside, Step::kSends, Step::kRedoWaits, Step::kTokenStopped, Step::kGone),
    /* kAside         */
    Steps(Step::kToken, Step::kSends, Step::kRedoWaits, Step::kTokenStopped, Step::kOutside),
    /* kRedoWaits     */ Steps(Step::kRedo, Step::kRedoLoads, Step::kTokenStopped, Step::kOutside),
    /* kRedoLoads     */ Steps(Step::kRedoWaits, Step::kTokenStopped, Step::kOutside),
    /* kRedo          */
    Steps(Step::kTokenWaits, Step::kRedoWaits, Step::kTokenStopped, Step::kGone),
    /* kTokenStopped  */ Steps(Step::kOutside),
}};

constexpr bool may_follow(Step step, Step next) {
  return kNextSteps[static_cast<std::size_t>(step)].has(next);
}

}  // namespace cleave
