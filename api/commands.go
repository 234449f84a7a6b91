package main

import (
	"context"
	"runtime"
)

type estimateCommand struct {
	Questions string `help:"CSV of questions: id,dataset,series,mode,start,end (local half-open window)." required:"" type:"existingfile"`
	Data      string `help:"Folder of data sets, each with series.csv and manifest.json." required:"" type:"existingdir"`
	Out       string `help:"CSV of answers to write: id,point,lo90,hi90." required:"" type:"path"`
	Workers   int    `help:"Questions answered at the same time; all processors when 0."`
}

func (e estimateCommand) Run(ctx context.Context, w *world) error {
	workers := e.Workers
	if workers < 1 {
		workers = runtime.NumCPU()
	}
	return estimateFile(ctx, e.Questions, e.Data, e.Out, workers, w.stderr)
}
