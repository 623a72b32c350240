package report

import "fmt"

// Prices of one remediation on AWS, in USD: the parts of the formula in
// docs/deploy.md that a revert and its event take. Look them up before you rely on them.
const (
	LambdaGBSecond  = 0.0000133334
	LambdaRequest   = 0.0000002
	LambdaGB        = 0.25
	EventSeconds    = 0.2
	RevertSeconds   = 1.0
	DynamoWrite     = 0.000000625
	DynamoRead      = 0.000000125
	RevertWrites    = 15
	RevertReads     = 6
	EventReads      = 2
	EventBridgePut  = 0.000001
	XRayTrace       = 0.000005
	LogsGB          = 0.50
	RevertLogsKB    = 6
	EventLogsKB     = 3
	ArchiveGB       = 0.123
	RevertArchiveKB = 4
	kbOfGB          = 1e-6
)

// PerRevert is what a revert costs on AWS, in USD, with the event that led to it.
const PerRevert = LambdaGB*(EventSeconds+RevertSeconds)*LambdaGBSecond + 2*LambdaRequest +
	RevertWrites*DynamoWrite + (RevertReads+EventReads)*DynamoRead + EventBridgePut + XRayTrace +
	(RevertLogsKB+EventLogsKB)*kbOfGB*LogsGB + RevertArchiveKB*kbOfGB*ArchiveGB

// Cost is what the reverts cost and saved.
type Cost struct {
	Reverts      int64   `json:"reverts"`
	PerRevertUSD float64 `json:"per_revert_usd"`
	TotalUSD     float64 `json:"total_usd"`
	Minutes      float64 `json:"minutes_per_revert"` // the rate: an assumption of whoever asked for the report
	SavedMinutes float64 `json:"saved_minutes"`
	Formula      string  `json:"formula"`
}

func costOf(reverts int64, minutes float64) Cost {
	c := Cost{
		Reverts: reverts, PerRevertUSD: PerRevert, TotalUSD: float64(reverts) * PerRevert,
		Minutes: minutes, SavedMinutes: float64(reverts) * minutes,
	}
	c.Formula = fmt.Sprintf("cost = reverts × cost of one = %d × $%.7f = $%.6f; saved = reverts × minutes by hand = %d × %g = %g minutes",
		reverts, PerRevert, c.TotalUSD, reverts, minutes, c.SavedMinutes)
	return c
}
