#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "lib/kube/client.h"
#include "lib/telemetry/registry.h"
#include "operator/status/conditions.h"
#include "operator/status/config_map_writer.h"
#include "operator/status/peers.h"
#include "operator/status/view.h"

namespace tulle::control::status {

// The work of the leading replica: writes the conditions of our custom resources and of the Gateway API's
// routes, and has the ConfigMaps written. Looks at all replicas every kFast while an object waits to be live,
// else every kSlow. One thread of its own; on a replica that does not lead it does nothing.
class Leader {
 public:
  static constexpr std::chrono::milliseconds kFast{200};
  static constexpr std::chrono::milliseconds kSlow{2000};
  // An object that was live stays so while the mesh moves on around it for at most this long.
  static constexpr std::chrono::seconds kTolerance{10};
  // How often the numbers of an object that stays live are brought up to date.
  static constexpr std::chrono::seconds kRefresh{30};

  struct Sources {
    std::function<bool()> leading;
    std::function<distribute::ReplicaReport()> own_report;
    std::string replica;  // our own name
  };
  Leader(kube::Client& client, Peers& peers, ConfigMapWriter& config_maps, Sources sources,
         telemetry::Registry& metrics);
  ~Leader();

  void Start();
  void SetView(View view);
  // A custom resource was seen: if its generation is new, its Live of before is withdrawn at once.
  void Announce(const model::Meta& meta);
  // Leadership began or ended.
  void Wake();

 private:
  struct Standing {
    int64_t generation = 0;
    bool live = false;
    std::chrono::steady_clock::time_point good_at;     // last time it was really live
    std::chrono::steady_clock::time_point written_at;  // of the conditions
  };

  void Run(std::stop_token stop);
  void WithdrawAnnounced();
  using Reports = std::vector<distribute::ReplicaReport>;
  // True while some object waits to become live.
  bool Look(const View& view, std::stop_token stop);
  // The same for one of our custom resources, and for a route of the Gateway API with its verdicts.
  bool LookAt(const compile::Verdict& verdict, const View& view, const Reports& reports);
  bool LookAt(const Route& route, const std::vector<const compile::Verdict*>& verdicts, const View& view,
              const Reports& reports);
  std::vector<model::Condition> Wanted(const compile::Verdict& verdict, Standing& standing,
                                       const std::vector<model::Condition>& present, const View& view,
                                       const Reports& reports, bool& pending);
  Reports Ask(const View& view, std::stop_token stop);
  Live WithTolerance(const compile::Verdict& verdict, Live live, Standing& standing);
  bool Write(const model::Meta& meta, std::vector<model::Condition> wanted);
  bool Write(const Route& route, std::vector<ParentConditions> wanted);
  const std::vector<model::Condition>& Present(const model::Meta& meta);

  kube::Client& client_;
  Peers& peers_;
  ConfigMapWriter& config_maps_;
  const Sources sources_;
  telemetry::Counter& writes_;
  telemetry::Counter& failures_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool woken_ = false;
  std::shared_ptr<const View> view_;
  std::map<std::string, model::Meta> announced_;  // by Meta::Text

  // The thread's own.
  std::map<std::string, Standing> standings_;  // by Meta::Text; of a route, with its parent behind it
  std::map<std::string, std::vector<model::Condition>> written_;  // newer than what the view shows
  std::map<std::string, std::vector<model::Condition>> shown_;    // by the view when we wrote
  std::map<std::string, std::string> patched_;  // resource version of a route that we have written over
  std::jthread thread_;
};

}  // namespace tulle::control::status
