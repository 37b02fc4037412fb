package main_test

import (
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg"
	_ "image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"headroom/internal/database/dbtest"
	"headroom/test/live"
)

// Stories are scripts in testdata/script that use the program as its users do. Besides the commands of
// testscript there are:
//
//	serve                 starts a server and sets HEADROOM (its address); KEY is an admin API key of it
//	enhances              waits for a turn to enhance photos
//	picture FILE FORMAT SIZE [gray]
//	                      fails unless FILE is a picture of that format and size, such as jpeg 1600x2000
//
// $PHOTOS is the folder of portraits; the data folder is $WORK/data.

func TestStories(t *testing.T) {
	t.Parallel()
	stories(t, "testdata/script", nil)
}

// Stories about the database are told on each.
func TestStoriesOnEachDatabase(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		stories(t, "testdata/script/each", nil)
	})
	if testing.Short() {
		return
	}
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		stories(t, "testdata/script/each", dbtest.Postgres)
	})
}

// stories tells the scripts of a folder, each on a new installation. database, when given, makes its database.
func stories(t *testing.T, dir string, database func(testing.TB) string) {
	t.Helper()
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			tb, ok := env.T().(testing.TB)
			if !ok {
				return fmt.Errorf("%T is no test", env.T())
			}
			settings := map[string]string{"HEADROOM_DATA": filepath.Join(env.WorkDir, "data")}
			if database != nil {
				settings["HEADROOM_DATABASE_URL"] = database(tb)
			}
			s := newSite(tb, settings)
			for _, name := range slices.Sorted(maps.Keys(s.settings)) {
				env.Setenv(name, s.settings[name])
			}
			env.Setenv("KEY", s.key)
			env.Setenv("PHOTOS", filepath.Join(program.root, "enhance/testdata/portraits"))
			env.Setenv("PATH", filepath.Dir(program.binary)+string(filepath.ListSeparator)+env.Getenv("PATH"))
			env.Values[story{}] = story{tb, s}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": storyServes, "enhances": storyEnhances, "picture": storyPicture,
		},
	})
}

// story is a script being told.
type story struct {
	testing.TB
	*site
}

func storyOf(ts *testscript.TestScript) story {
	s, ok := ts.Value(story{}).(story)
	if !ok {
		ts.Fatalf("the script was not set up")
	}
	return s
}

func storyServes(ts *testscript.TestScript, _ bool, args []string) {
	s := storyOf(ts)
	server, err := live.Start(lifetime(s), program.binary, s.settings, append([]string{"serve"}, args...)...)
	ts.Check(err)
	ts.Defer(func() {
		if err := server.Stop(); err != nil {
			s.Errorf("the server did not end well: %v", err)
		}
		if s.Failed() {
			s.Logf("the server said:\n%s", server.Log())
		}
	})
	ts.Setenv("HEADROOM", server.URL)
}

func storyEnhances(ts *testscript.TestScript, _ bool, _ []string) { enhances(storyOf(ts)) }

func storyPicture(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: picture FILE FORMAT SIZE [gray]")
	}
	f, err := os.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer func() { _ = f.Close() }()
	c, format, err := image.DecodeConfig(f)
	ts.Check(err)
	got := []string{format, fmt.Sprintf("%dx%d", c.Width, c.Height)}
	if c.ColorModel == color.GrayModel {
		got = append(got, "gray")
	}
	if !slices.Equal(got, args[1:]) {
		ts.Fatalf("%s is %s, want %s", args[0], strings.Join(got, " "), strings.Join(args[1:], " "))
	}
}
