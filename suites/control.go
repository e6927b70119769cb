package suites

// controls prove that two containers are alive and can federate: the first
// before any other cell of the pair, the last after all of them. The plan makes
// a world of each for every pair of containers.
var controls = []Scenario{
	{
		ID:       "control/first",
		Asks:     "Do these two servers federate at all, before anything else is asked?",
		Core:     true,
		Stimulus: MessageAndReply,
		AnyAuth:  true,
		Control:  ControlFirst,
	},
	{
		ID:       "control/last",
		Asks:     "Do these two servers still federate, after everything else was asked?",
		Core:     true,
		Stimulus: MessageAndReply,
		AnyAuth:  true,
		Control:  ControlLast,
	},
}
